"""Messages, kept apart by user."""

import sqlite3
import os


class MessageStore:
    """Messages in an SQLite database."""

    def __init__(self, path=":memory:", keep=200):
        self.connection = sqlite3.connect(path, check_same_thread=False)
        self.keep = keep
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY, user_id TEXT, thread_id TEXT, text TEXT)"
        )

    def add(self, user_id, thread_id, text):
        """Store one message and forget the oldest beyond the limit."""
        self.connection.execute(
            "INSERT INTO message (user_id, thread_id, text) VALUES (?, ?, ?)", (user_id, thread_id, text)
        )
        self.connection.execute(
            "DELETE FROM message WHERE number <= (SELECT MAX(number) FROM message) - ?", (self.keep,)
        )
        self.connection.commit()

    def messages(self, user_id):
        """Return the messages of one user, oldest first."""
        rows = self.connection.execute("SELECT text FROM message WHERE user_id = ? ORDER BY number", (user_id,))
        return [text for (text,) in rows]

    def ready(self):
        """Say whether the database answers."""
        try:
            return self.connection.execute("SELECT 1").fetchone() == (1,)
        except Exception as error:
            return False
