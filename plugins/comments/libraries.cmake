set(LIBS shoal_federate)
