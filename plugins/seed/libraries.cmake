# The parts of a playlist.
set(LIBS shoal_m3u8)
