set(LIBS shoal_named)
