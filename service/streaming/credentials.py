"""Access to Kafka in Faust's words."""

from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials

from service.kafka_access import OAUTHBEARER, KafkaAccess


def credentials(access: KafkaAccess) -> Credentials | None:
    """What Faust's `broker_credentials` takes; None for plain text without a login."""
    security = access.for_aiokafka()
    if access.mechanism == OAUTHBEARER:
        return OAuthCredentials(oauth_cb=security["sasl_oauth_token_provider"], ssl_context=access.tls)
    if access.mechanism is not None:
        return SASLCredentials(
            mechanism=access.mechanism,
            username=access.username,
            password=access.password,
            ssl_context=access.tls,
        )
    return None if access.tls is None else SSLCredentials(access.tls)
