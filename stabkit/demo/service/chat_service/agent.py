"""The agent: it thinks, uses a tool, and answers."""

import asyncio
import itertools
import random
import time

from chat_service.events import Event

_runs = itertools.count(1)


async def work(milliseconds):
    """Take about that long, as a call to a model or a database would."""
    end = time.perf_counter() + milliseconds * random.uniform(0.94, 1.06) / 1000
    # The event loop wakes up to a millisecond late; the last two are watched more closely.
    await asyncio.sleep(max(0, end - time.perf_counter() - 0.002))
    while time.perf_counter() < end:
        await asyncio.sleep(0)


def summarize(text, limit=60):
    """Return the text, cut at a word when it is long."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0] + " ..."


def compose(text):
    """Return the answer to one question."""
    question = text.strip()
    if not question:
        return "Please say something."
    words = len(question.split())
    return f"You said: {summarize(question)} ({words} word{'s' if words != 1 else ''})"


async def answer(text, settings):
    """Return the answer to one question, after the time it takes."""
    await work(settings.answer_ms)
    return compose(text)


async def stream(text, user_id, thread_id, settings):
    """Yield the five events of one run of the agent."""
    run_id = f"run-{next(_runs)}"

    def event(type, **data):
        return Event(type, user_id, thread_id, run_id, data)

    yield event("agent_started", question=summarize(text))
    await work(settings.step_ms)
    yield event("agent_thinking", thought="looking for what was asked")
    await work(settings.step_ms)
    yield event("tool_executing", tool="word_count")
    await work(settings.step_ms)
    yield event("tool_completed", tool="word_count", result=len(text.split()))
    await work(settings.step_ms)
    yield event("agent_completed", answer=compose(text))
