"""How the service runs: settings, engine, web, command line, embedded broker."""
