"""Small example agents. Each is a program of its own and needs nothing but Python:

    python -m aimux.demo.agents.math --port 8101

`serving` and the modules beside it speak HTTP for them all, so that each agent's file is mainly its own idea.
"""
