set(LIBS shoal_ask shoal_follow shoal_jsontext shoal_named shoal_swarm PkgConfig::OPENSSL)
