set(LIBS m)
