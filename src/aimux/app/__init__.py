"""The composition root: configuration in, running gateway out. The only room that knows everything."""
