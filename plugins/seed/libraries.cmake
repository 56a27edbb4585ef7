# The parts of a playlist; the proof of an address.
set(LIBS PkgConfig::SODIUM shoal_m3u8)
