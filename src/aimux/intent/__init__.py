"""The local embedding model, and what it says of a text: how alike it is to each route's intents."""
