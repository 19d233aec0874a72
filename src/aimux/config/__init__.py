"""From a configuration file to a checked, frozen configuration, or to every problem in it with its line."""
