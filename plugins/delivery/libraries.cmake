set(LIBS shoal_ask shoal_federate shoal_paging)
