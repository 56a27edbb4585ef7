set(LIBS shoal_paging)
