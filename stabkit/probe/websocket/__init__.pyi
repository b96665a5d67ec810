from .websocket_probe import WebSocketProbe

__all__ = ["WebSocketProbe"]
