# The keyed hash of who was let in.
set(LIBS PkgConfig::SODIUM)
