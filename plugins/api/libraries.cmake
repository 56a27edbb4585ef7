# Checksums of upload chunks; the keyed hash of viewers.
set(LIBS PkgConfig::OPENSSL PkgConfig::SODIUM)
