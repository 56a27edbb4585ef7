# The keyed hash of who was let in; the parts of a playlist.
set(LIBS PkgConfig::SODIUM shoal_m3u8)
