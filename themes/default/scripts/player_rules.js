// player_rules.js - whether this viewer takes part in the sharing of this video: rules, and nothing else.
// SPDX-License-Identifier: AGPL-3.0-or-later

const PUBLIC = new Set([1, 2]) // public and unlisted

/**
 * Why segments come from the server alone, as a text's key, or '' when they may come from others.
 *
 * policy: what the site says {mode, from, relayOnly, private, ice}; video: {trackers, hashes, privacy,
 * isLive, viewers}; viewer: {answer, link ('0', '1' or ''), savesData, hasChannels}. An answer is 'yes',
 * 'no', 'told' (read the notice and said nothing) or ''.
 */
export function reasonAgainst(policy, video, viewer) {
  if (!policy || policy.mode === 'off') {
    return 'site'
  }
  if (!viewer.hasChannels) {
    return 'browser'
  }
  if (video.trackers.length === 0 || !video.hashes || video.isLive) {
    return 'video'
  }
  if (!PUBLIC.has(video.privacy) && !policy.private) {
    return 'video'
  }
  if (viewer.link === '0') {
    return 'link'
  }
  if (viewer.answer === 'no' || (viewer.answer === 'told' && policy.mode === 'opt-in')) {
    return 'no'
  }
  if (viewer.savesData) {
    return 'data'
  }
  // Anybody can write a link: it counts for those who said yes before.
  const isCalled = viewer.link === '1' && viewer.answer === 'yes'
  if (!isCalled && video.viewers < policy.from) {
    return 'few'
  }
  return ''
}

/** What is sent to others costs nobody his month's data, nor the last of his battery. */
export function mayUpload(connection, battery) {
  const isCellular = connection?.type === 'cellular'
  const isLow = Boolean(battery && !battery.charging && battery.level <= 0.25)
  return !isCellular && !isLow
}

/** Trackers that a browser can talk to. */
export function socketsOf(urls) {
  return (urls ?? []).filter(url => /^wss?:\/\//.test(url))
}

/**
 * A tracker of elsewhere may shut out an address that announces a swarm which it does not know. So a
 * video of another site is shared only where that site told us each name that we would announce.
 *
 * names: ours, as 40 hex characters; federated: those of the origin.
 */
export function mayJoin(isLocal, names, federated) {
  if (isLocal) {
    return true
  }
  const known = new Set((federated ?? []).map(name => String(name).toLowerCase()))
  return names.length > 0 && names.every(name => known.has(name))
}
