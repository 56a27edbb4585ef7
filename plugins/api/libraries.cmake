# Checksums of upload chunks; the keyed hash of viewers.
set(LIBS shoal_named PkgConfig::OPENSSL PkgConfig::SODIUM)
