"""What happens, in order: the agents and the topology that binds them to topics."""
