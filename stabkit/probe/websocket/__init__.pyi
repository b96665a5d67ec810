from .websocket_probe import WebSocketProbe as WebSocketProbe
