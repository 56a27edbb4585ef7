set(LIBS PkgConfig::OPENSSL)
