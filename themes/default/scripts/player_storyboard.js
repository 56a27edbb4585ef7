// player_storyboard.js - small pictures of moments, out of the one picture that the server made of them.
// SPDX-License-Identifier: AGPL-3.0-or-later

/** The storyboard that the API tells of, or undefined where it makes no sense. */
export function readStoryboard(board) {
  const { storyboardPath, totalWidth, totalHeight, spriteWidth, spriteHeight, spriteDuration } = board ?? {}
  const columns = Math.floor(totalWidth / spriteWidth)
  const rows = Math.floor(totalHeight / spriteHeight)
  return storyboardPath && columns > 0 && rows > 0 && spriteDuration > 0
    ? { url: storyboardPath, columns, rows, width: spriteWidth, height: spriteHeight, every: spriteDuration }
    : undefined
}

/** Makes an element show a moment, `width` pixels wide. */
export function showMoment(element, board, time, width = board.width) {
  const last = board.columns * board.rows - 1
  const at = Math.min(last, Math.max(0, Math.floor(time / board.every)))
  const height = Math.round((width * board.height) / board.width)
  const { style } = element
  style.inlineSize = `${width}px`
  style.blockSize = `${height}px`
  style.backgroundImage = `url("${encodeURI(board.url)}")`
  style.backgroundSize = `${board.columns * width}px ${board.rows * height}px`
  style.backgroundPosition = `${-(at % board.columns) * width}px ${-Math.floor(at / board.columns) * height}px`
}
