set(LIBS shoal_ask shoal_paging)
