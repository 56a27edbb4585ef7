set(LIBS shoal_follow shoal_jsontext shoal_swarm PkgConfig::OPENSSL)
