set(LIBS shoal_swarm)
