set(LIBS shoal_federate shoal_named shoal_paging)
