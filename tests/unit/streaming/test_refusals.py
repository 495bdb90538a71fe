"""Which of Kafka's errors are the end, in the words of both libraries; and which may pass."""

import aiokafka.errors
import kafka.errors
import pytest

from service.streaming.refusals import refusal


def caused_by(cause: Exception) -> Exception:
    """As aiokafka's producer hides what went wrong."""
    error: Exception = aiokafka.errors.KafkaError("hidden")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            aiokafka.errors.TopicAuthorizationFailedError({"out.b", "out.a"}),
            "WRITE on TOPIC out.a, WRITE on ",
        ),
        (aiokafka.errors.TopicAuthorizationFailedError("raw"), "READ on TOPIC raw;"),
        (aiokafka.errors.TopicAuthorizationFailedError(), "READ on TOPIC raw;"),
        (kafka.errors.TopicAuthorizationFailedError("Request 'x' failed"), "READ on TOPIC raw;"),
        (caused_by(aiokafka.errors.TopicAuthorizationFailedError("out")), "WRITE on TOPIC out;"),
        (aiokafka.errors.GroupAuthorizationFailedError("group"), "READ on GROUP group;"),
        (kafka.errors.GroupAuthorizationFailedError(), "READ on GROUP group;"),
        (aiokafka.errors.TransactionalIdAuthorizationFailed("id"), "WRITE on TRANSACTIONAL_ID group/raw/*;"),
        (aiokafka.errors.ClusterAuthorizationFailedError(), "on the whole cluster"),
        (aiokafka.errors.MessageSizeTooLargeError(), "smaller records"),
        (aiokafka.errors.InvalidTransactionTimeout(), "transaction.max.timeout.ms"),
        (aiokafka.errors.SaslAuthenticationFailed("who said what"), "login no more"),
    ],
)
def test_what_no_try_can_change(error: Exception, words: str) -> None:
    refused = refusal(error, group="group", raw_topic="raw")
    assert refused is not None
    assert words in str(refused)
    assert "who said what" not in str(refused)


@pytest.mark.parametrize(
    "error",
    [
        aiokafka.errors.KafkaConnectionError("gone"),
        aiokafka.errors.UnknownTopicOrPartitionError(),
        kafka.errors.CoordinatorNotAvailableError(),
        OSError(29, "the system's number 29 is another"),
        TimeoutError(),
    ],
)
def test_what_may_pass(error: Exception) -> None:
    assert refusal(error, group="group", raw_topic="raw") is None
