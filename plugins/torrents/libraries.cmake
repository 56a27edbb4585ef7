set(LIBS shoal_follow PkgConfig::OPENSSL)
