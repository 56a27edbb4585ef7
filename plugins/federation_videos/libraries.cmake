set(LIBS shoal_federate shoal_paging shoal_urlhost)
