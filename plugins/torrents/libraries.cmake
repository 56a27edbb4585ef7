set(LIBS shoal_ask shoal_follow PkgConfig::OPENSSL)
