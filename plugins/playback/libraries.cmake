set(LIBS shoal_ask)
