set(LIBS shoal_mustache m)
