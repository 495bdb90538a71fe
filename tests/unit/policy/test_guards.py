"""The guards of the reference policy: what a kept field lets through, and what it must not."""

import re

import pytest

from service.policy.action_specs import Guard, Keep
from service.policy.compiler import parts_pattern
from service.policy.plan import CompiledPolicy, VendorPlan
from service.policy.vendor_names import VendorName

PERSONAL = [
    "Ilse Vandenbroucke",
    "ilse",
    "VANDENBROUCKE",
    "ilse.vandenbroucke",
    "ilse_vandenbroucke",
    "E_VANDENBROUCKE",
    "model-of-ilse",
    "text/ilse.vandenbroucke",
    "Europe/Vandenbroucke",
    "ilse@example.org",
    "read:ilse@example.org",
    "+48 600 700 800",
    "600-700-800",
    "404-600-700-800",
    "gpt-600-700-800",
    "E_206_555_0142",
    "206.555.0142",
    "12.05.1985",
    "1985-05-12",
    "84.12.9.133",
    "4929123412341234",
    "4929-1234-1234-1234",
    "BE71096123456769",
    "qs-live-9Kd",
    "\u0131lse",
    "read\n",
    " read",
    "",
]


def posthog(policy: CompiledPolicy) -> VendorPlan:
    """The vendor that keeps the most fields."""
    return next(plan for plan in policy.vendors if plan.vendor is VendorName.POSTHOG)


def guard_of(policy: CompiledPolicy, dotted: str) -> Guard:
    plan = posthog(policy)
    guards = {
        rule.dotted: rule.guard for rules in (*plan.tracked.values(), *plan.calls.values()) for rule in rules
    }
    guard = guards[dotted]
    assert guard is not None
    return guard


def lets_through(guard: Guard, text: str) -> bool:
    if guard.enum is not None:
        return text in guard.enum
    assert guard.pattern is not None
    assert guard.max_length is None or guard.max_length <= 100
    return re.fullmatch(guard.pattern, text, re.ASCII) is not None


def test_no_kept_word_lets_a_personal_value_through(reference: CompiledPolicy) -> None:
    guards = {
        rule.dotted: rule.guard
        for plan in reference.vendors
        for rules in (*plan.tracked.values(), *plan.calls.values())
        for rule in rules
        if isinstance(rule.spec, Keep) and rule.guard and rule.guard.type in {"string", "word", "list"}
    }
    assert len(guards) > 15
    passed = [
        (dotted, text)
        for dotted, guard in guards.items()
        if guard is not None
        for text in PERSONAL
        if lets_through(guard, text)
    ]
    assert passed == []


def test_no_kept_number_has_room_for_a_phone_or_card_number(reference: CompiledPolicy) -> None:
    for plan in reference.vendors:
        for rules in (*plan.tracked.values(), *plan.calls.values()):
            for rule in rules:
                if not isinstance(rule.spec, Keep):
                    continue
                assert rule.guard is not None, rule.dotted
                if rule.guard.type in {"integer", "number"}:
                    assert rule.guard.maximum is not None
                    assert rule.guard.minimum is not None
                    largest = 536_870_912 if rule.dotted == "properties.size_bytes" else 10_000_000
                    assert -largest <= rule.guard.minimum <= rule.guard.maximum <= largest, rule.dotted


@pytest.mark.parametrize(
    ("dotted", "text"),
    [
        ("properties.code", "E_NOT_FOUND"),
        ("properties.code", "E_404"),
        ("properties.code", "404"),
        ("properties.code", "card_declined"),
        ("properties.code", "rate_limit_exceeded"),
        ("properties.code", "ETIMEDOUT"),
        ("properties.code", "HTTP_503"),
        ("properties.model", "claude-opus"),
        ("properties.model", "claude-3-5-sonnet-20241022"),
        ("properties.model", "gpt-4o-mini"),
        ("properties.model", "gpt-3.5-turbo"),
        ("properties.model", "llama-3.1-70b"),
        ("properties.model", "llama-3.1-405b"),
        ("properties.model", "mixtral-8x22b"),
        ("properties.models", "gemini-1.5-pro"),
        ("properties.model", "text-embedding-3-large"),
        ("properties.mime", "text/csv"),
        ("properties.mime", "image/svg+xml"),
        ("properties.mime", "application/x-ipynb+json"),
        ("properties.mime", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("properties.mime", "application/vnd.ms-powerpoint"),
        ("properties.scopes", "read"),
        ("properties.scopes", "billing:read"),
        ("properties.currency", "EUR"),
        ("properties.role", "viewer"),
        ("context.timezone", "America/Sao_Paulo"),
        ("context.timezone", "Asia/Calcutta"),
        ("context.timezone", "UTC"),
        ("context.os.name", "Mac OS X"),
        ("context.app.version", "2.14.0"),
        ("context.app.version", "3.0.1-beta.2"),
        ("traits.industry", "healthcare"),
        ("traits.industry", "real-estate"),
    ],
)
def test_guards_let_the_products_own_words_through(reference: CompiledPolicy, dotted: str, text: str) -> None:
    assert lets_through(guard_of(reference, dotted), text)


def test_parts_are_joined_by_one_separator_and_hold_small_numbers_only() -> None:
    pattern = re.compile(parts_pattern(["gpt", "gpt4", "4o", "mini", "a-b"]), re.ASCII)
    for text in ("gpt", "GPT-mini", "gpt4", "gpt-4o", "a-b", "gpt-a-b", "gpt-4.1-mini", "gpt-12b", "gpt-123"):
        assert pattern.fullmatch(text), text
    for text in (
        "gp", "gptx", "gpt-", "-gpt", "gpt--mini", "gpt mini", "4", "12-gpt", "gpt-1234", "gpt-123-45",
        "gpt-1-2-3-4", "gpt-4ox", "",
    ):  # fmt: skip
        assert not pattern.fullmatch(text), text


def test_a_long_value_that_almost_matches_is_refused_without_trying_everything() -> None:
    """Possessive repeats leave nothing to go back to; without them this takes longer than anyone waits."""
    pattern = re.compile(parts_pattern(["e", "4o"]), re.ASCII)
    assert not pattern.fullmatch("e" + "-4o" * 3000 + "!")
