"""The service's routes."""

import itertools
import json
import time

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from chat_service import __version__, agent
from chat_service.settings import load_settings
from chat_service.storage import MessageStore

_threads = itertools.count(1)


class ChatService:
    """The service: settings, messages, open connections."""

    def __init__(self, settings=None):
        self.settings = settings or load_settings()
        self.store = MessageStore()
        self.started = time.monotonic()
        self.connections = {}

    async def health(self, request):
        """Say whether the service is there."""
        await agent.work(self.settings.health_ms)
        return JSONResponse(
            {
                "status": "healthy",
                "service": "chat-service",
                "version": __version__,
                "uptime_s": round(time.monotonic() - self.started, 1),
            }
        )

    async def auth_health(self, request):
        """Say whether accounts can be checked."""
        connected = self.store.ready()
        return JSONResponse(
            {
                "status": "healthy" if connected else "unhealthy",
                "database": "connected" if connected else "disconnected",
                "environment": self.settings.environment,
            },
            status_code=200 if connected else 503,
        )

    async def chat(self, request):
        """Answer one question."""
        try:
            body = await request.json()
            user_id, text = str(body["user_id"]), str(body["message"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "send user_id and message"}, status_code=422)
        self.store.add(user_id, "main", text)
        return JSONResponse({"reply": await agent.answer(text, self.settings)})

    def recipients(self, user_id, thread_id):
        """Return the open connections that follow this thread of this user."""
        return list(self.connections.get((user_id, thread_id), ()))

    async def events(self, socket):
        """Stream the agent's events to the user who asked."""
        await socket.accept()
        own_thread = f"thread-{next(_threads)}"
        followed = set()
        try:
            while True:
                question = json.loads(await socket.receive_text())
                user_id, thread_id = str(question["user_id"]), str(question.get("thread_id", own_thread))
                followed.add((user_id, thread_id))
                self.connections.setdefault((user_id, thread_id), set()).add(socket)
                async for event in agent.stream(str(question["message"]), user_id, thread_id, self.settings):
                    for recipient in self.recipients(user_id, thread_id):
                        await recipient.send_json(event.to_message())
        except (WebSocketDisconnect, ValueError, KeyError):
            pass
        finally:
            for thread in followed:
                self.connections[thread].discard(socket)
                if not self.connections[thread]:
                    del self.connections[thread]


def create_app(settings=None):
    """Return the ASGI application."""
    service = ChatService(settings)
    app = Starlette(
        routes=[
            Route("/health", service.health),
            Route("/auth/health", service.auth_health),
            Route("/chat", service.chat, methods=["POST"]),
            WebSocketRoute("/ws", service.events),
        ]
    )
    app.state.service = service
    return app
