"""A scripted upstream that speaks the APIs of OpenAI and Anthropic, and misbehaves on the routes named for that."""
