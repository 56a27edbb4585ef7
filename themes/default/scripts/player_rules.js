// player_rules.js - whether this viewer takes part in the sharing of this video: rules, and nothing else.
// SPDX-License-Identifier: AGPL-3.0-or-later

const PUBLIC = new Set([1, 2]) // public and unlisted

const reasonOfDevice = ({ savesData, isMobile, isLow }) =>
  savesData ? 'data' : isMobile ? 'mobile' : isLow ? 'battery' : ''

/**
 * Why segments come from the server alone, as a text's key, or '' when they may come from others.
 *
 * policy: what the site says {mode, from, relayOnly, private, ice}; video: {trackers, hashes, privacy,
 * isLive, viewers}; viewer: {answer, link ('0', '1' or ''), hasChannels, isSharing, and what deviceOf() says}.
 * An answer is 'yes', 'no', 'told' (read the notice and said nothing) or ''.
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
  const device = reasonOfDevice(viewer)
  if (device) {
    return device
  }
  // Anybody can write a link: it counts for those who said yes before.
  const isCalled = viewer.link === '1' && viewer.answer === 'yes'
  // It ends when half have left: around the limit it would come and go with each viewer.
  const least = viewer.isSharing ? policy.from / 2 : policy.from
  if (!isCalled && video.viewers < least) {
    return 'few'
  }
  return ''
}

/**
 * What the browser tells of the device: {savesData, isMobile, isLow}. Sharing costs nobody his month's data,
 * nor the last of his battery; no page is told of a battery saver, so a quarter that is not charging counts
 * as one. connection: navigator.connection; battery: of navigator.getBattery(); either may be missing.
 */
export function deviceOf(connection, battery) {
  return {
    savesData: connection?.saveData === true,
    isMobile: connection?.type === 'cellular',
    isLow: Boolean(battery && !battery.charging && battery.level <= 0.25),
  }
}

/** Trackers that a browser can talk to. */
export function socketsOf(urls) {
  return (urls ?? []).filter(url => /^wss?:\/\//.test(url))
}

/** How long a server that did not answer has rest from us: it went for all who watch it at once. */
export function restMs(share = Math.random()) {
  return 30000 + Math.floor(share * 30000)
}

/** What a tracker says to those who may not share, or may no longer: they leave the swarm. */
export function isDismissal(text) {
  return /^not shared: |^Tracker is disabled/.test(text ?? '')
}

/** What another node of the site says: the tracker of this video is a different one by now. */
export function isElsewhere(text) {
  return /^elsewhere: /.test(text ?? '')
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
