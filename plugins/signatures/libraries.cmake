find_package(PkgConfig REQUIRED)
pkg_check_modules(SIGNATURES_CRYPTO REQUIRED IMPORTED_TARGET libcrypto libsodium)
set(LIBS shoal_ask shoal_urlhost PkgConfig::SIGNATURES_CRYPTO)
