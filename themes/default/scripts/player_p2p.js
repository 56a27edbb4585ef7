// player_p2p.js - sharing between viewers: when it begins, what the viewer is told and said, when it ends.
// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Nobody is contacted, and nothing of the P2P library loaded, before the rules and the viewer allow it.
import { deviceOf, mayJoin, reasonAgainst, restMs, socketsOf } from './player_rules.js'
import { api, user } from './shoal.js'

const KEPT = 'shoal.p2p'
const NOTICE_FIRST_MS = 5000 // where no answer is needed, so long it can be given before anything begins
const NOTICE_WHOLE_MS = 20000
const SHORT_BUFFER_S = 12
const VIEWERS_AGAIN_MS = 60000
const BATTERY_MS = 500 // a browser that knows says it at once
const ENDS = new Set(['bad', 'list', 'dismissed'])
const DEVICE = new Set(['data', 'mobile', 'battery'])

function keptAnswer() {
  try {
    const kept = localStorage.getItem(KEPT) ?? ''
    return ['yes', 'no', 'told'].includes(kept) ? kept : ''
  } catch {
    return ''
  }
}

/** Calls back once the page was seen for so long. Returns a function that stops it. */
function whenSeenFor(ms, run) {
  let left = ms
  const timer = setInterval(() => {
    left -= document.visibilityState === 'visible' ? 250 : 0
    if (left <= 0) {
      clearInterval(timer)
      run()
    }
  }, 250)
  return () => clearInterval(timer)
}

/**
 * What the API says of a video, as far as it matters here. Where relays alone may be used, the site tells
 * the trackers to its own pages only: policy.trackers.
 */
export function factsOf(video, policy) {
  const playlist = video.streamingPlaylists?.[0]
  return {
    trackers: socketsOf(policy.trackers ?? video.trackerUrls),
    hashes: playlist?.segmentsSha256Url ?? '',
    mirrors: (playlist?.redundancies ?? []).map(each => each.baseUrl),
    federated: playlist?.p2pMediaLoaderInfohashes,
    isLocal: video.isLocal !== false,
    isLive: video.isLive === true,
    privacy: video.privacy?.id ?? 1,
    viewers: video.viewers ?? 0,
  }
}

export class Sharing {
  // state is 'off', 'asking', 'starting' or 'on'; reason says why it is off, as a text's key.
  constructor(player, policy, video) {
    this.player = player
    this.policy = policy
    this.facts = factsOf(video, policy)
    this.facts.viewers++ // this one is not counted yet
    this.state = 'off'
    this.reason = ''
    this.over = '' // why it ended for this page, until its viewer says yes here
    this.turn = 0 // each beginning and each end is one: what awaited meanwhile has no say
    this.listeners = new Set()
    this.link = new URLSearchParams(location.search).get('p2p') ?? ''
    this.answer = user?.p2pEnabled === false ? 'no' : keptAnswer()
    this.deviceKnown = this.watchDevice()
    window.addEventListener('storage', ({ key }) => key === KEPT && this.hear(keptAnswer()))
  }

  onChange(listener) {
    this.listeners.add(listener)
  }

  changed() {
    this.listeners.forEach(listener => listener())
  }

  set(state, reason = '') {
    if (state !== this.state || reason !== this.reason) {
      this.state = state
      this.reason = reason
      this.changed()
    }
  }

  get counts() {
    return this.swarm?.counts ?? this.lastCounts
  }

  take(video) {
    this.facts = factsOf(video, this.policy)
  }

  // --- what the device allows

  /** Returns a promise of the time when all is known that the browser tells. */
  watchDevice() {
    navigator.connection?.addEventListener?.('change', () => this.deviceChanged())
    const battery = navigator.getBattery?.().then(
      battery => {
        this.battery = battery
        battery.addEventListener('levelchange', () => this.deviceChanged())
        battery.addEventListener('chargingchange', () => this.deviceChanged())
        this.deviceChanged()
      },
      () => {}, // the browser does not tell
    )
    return Promise.race([battery, new Promise(resolve => setTimeout(resolve, BATTERY_MS))])
  }

  deviceChanged() {
    const reason = this.source ? this.obstacle() : ''
    if (DEVICE.has(reason) && this.state !== 'off') {
      this.stop(reason)
    } else if (this.source && DEVICE.has(this.reason)) {
      this.consider()
    }
  }

  obstacle() {
    return reasonAgainst(this.policy, this.facts, {
      answer: this.answer,
      link: this.link,
      isSharing: this.state === 'on',
      ...deviceOf(navigator.connection, this.battery),
      hasChannels: Boolean(
        window.RTCPeerConnection?.prototype.createDataChannel && window.crypto?.subtle,
      ),
    })
  }

  // --- beginning and ending

  /** A source of HLS begins. Returns a promise to wait a moment for, or nothing. */
  open(source) {
    this.close()
    this.source = source
    return this.consider()
  }

  consider() {
    const reason = this.obstacle() || this.over
    if (reason) {
      this.stop(reason)
      return undefined
    }
    if (this.answer !== '') {
      return this.begin()
    }
    this.ask()
    return undefined
  }

  later(run, ms) {
    clearTimeout(this.timer)
    this.timer = setTimeout(run, ms)
  }

  // What may be otherwise meanwhile: how many watch, and where their tracker is.
  async look() {
    const { turn } = this
    const ask = path => api(`${path}/${this.player.options.video}`).catch(() => undefined)
    const [video, told] = await Promise.all([ask('videos'), this.policy.relayOnly && ask('p2p/videos')])
    if (turn !== this.turn) {
      return
    }
    if (told) {
      this.policy = told.swarm ?? { mode: 'off' }
    }
    if (video) {
      this.take(video)
    }
    if (this.state === 'on' && !this.swarm.isAt(this.facts.trackers)) {
      this.stop('trouble')
    }
    if (this.state === 'off') {
      this.consider()
    } else if (this.obstacle() === 'few') {
      this.stop('few')
    }
    if (this.state === 'on' && (this.policy.from > 1 || this.swarm.isLost())) {
      this.later(() => this.look(), VIEWERS_AGAIN_MS)
    }
  }

  // Little is loaded ahead meanwhile: what comes from the server now cannot come from others.
  async ask() {
    const { config } = this.source.hls
    const whole = config.maxMaxBufferLength
    config.maxMaxBufferLength = SHORT_BUFFER_S
    this.loadOn = () => {
      config.maxMaxBufferLength = whole
      this.loadOn = undefined
    }
    const ends = []
    this.endAsking = () => {
      ends.forEach(end => end())
      this.endAsking = undefined
    }
    const { turn } = this
    this.set('asking')
    const [{ showNotice }] = await Promise.all([import('./player_notice.js'), this.deviceKnown])
    if (turn !== this.turn || this.state !== 'asking') {
      return
    }
    ends.push(showNotice(this.player, this.policy.mode, answer => this.say(answer)))
    ends.push(whenSeenFor(NOTICE_WHOLE_MS, () => this.say('told')))
    if (this.policy.mode === 'opt-out') {
      ends.push(whenSeenFor(NOTICE_FIRST_MS, () => this.state === 'asking' && this.begin()))
    }
  }

  /** The viewer's answer: 'yes' or 'no', or 'told' when none came. */
  say(answer) {
    try {
      localStorage.setItem(KEPT, answer)
    } catch {
      // it holds for this page
    }
    if (user && answer !== 'told') { // what the page knows of the account may be old
      const body = { p2pEnabled: answer === 'yes' }
      api('users/me', { method: 'PUT', body }).catch(() => {})
    }
    this.link = answer === 'yes' && this.link === '0' ? '' : this.link
    this.over = answer === 'yes' ? '' : this.over
    this.heed(answer)
  }

  // That nothing was said in another page of this site says nothing to one that has an answer.
  hear(answer) {
    if (answer === 'yes' || answer === 'no' || (answer === 'told' && this.answer === '')) {
      this.heed(answer)
    }
  }

  /** An answer was given, here or in another page of this site. */
  heed(answer) {
    this.answer = answer
    this.endAsking?.()
    const reason = this.obstacle() || this.over
    if (reason) {
      this.stop(reason)
    } else if (this.source && (this.state === 'off' || this.state === 'asking')) {
      this.begin()
    }
  }

  async begin() {
    const turn = ++this.turn
    const { source } = this
    this.set('starting')
    try {
      await this.deviceKnown
      const swarm = turn === this.turn ? await this.makeSwarm(source, turn) : undefined
      if (turn !== this.turn) {
        swarm?.close()
        return
      }
      this.swarm = swarm
      await swarm.start()
      if (turn !== this.turn) {
        swarm.close()
        return
      }
      this.set('on')
      this.loadOn?.()
      if (this.policy.from > 1) {
        this.later(() => this.look(), VIEWERS_AGAIN_MS)
      }
    } catch {
      if (turn === this.turn) {
        this.stop('failed')
      }
    }
  }

  async makeSwarm(source, turn) {
    const { facts, player, policy } = this
    const [{ Swarm }, { Hashes }] = await Promise.all([
      import('./player_swarm.js'),
      import('./player_hashes.js'),
    ])
    const hashes = new Hashes(player.withToken(facts.hashes))
    const [hasList, isKnown] = await Promise.all([hashes.load(), this.isKnownSwarm(source)])
    if (turn !== this.turn) {
      return undefined
    }
    if (!hasList || !isKnown) {
      this.stop(hasList ? 'foreign' : 'failed')
      return undefined
    }
    const plan = {
      library: player.options.library.replace('hls.mjs', 'p2p-hls.mjs'),
      playlist: policy.playlist ?? player.options.hls, // the URL that the swarms are named after
      trackers: facts.trackers,
      rtc: {
        iceServers: policy.ice ?? [],
        iceTransportPolicy: policy.relayOnly ? 'relay' : 'all',
      },
      hashes,
      mirrors: facts.mirrors,
    }
    return new Swarm(source, plan, {
      onChange: () => this.changed(),
      onLost: () => turn === this.turn && this.later(() => this.look(), restMs()),
      onEnd: reason => turn === this.turn && this.ended(reason),
    })
  }

  async isKnownSwarm(source) {
    if (this.facts.isLocal) {
      return true
    }
    const { swarmNames } = await import('./player_swarm_name.js')
    const { levels, audioTracks } = await source.manifestLoaded
    const names = swarmNames(this.player.options.hls, levels.length, audioTracks.length)
    return mayJoin(false, names, this.facts.federated)
  }

  // Wrong bytes and a tracker that says no end it for this page; a server that did not answer gets a rest from us.
  ended(reason) {
    this.over = ENDS.has(reason) ? reason : ''
    this.stop(this.over || 'trouble')
    if (!this.over) {
      this.later(() => this.reason === 'trouble' && this.look(), restMs())
    }
  }

  stop(reason) {
    this.close()
    this.set('off', reason)
    if (reason === 'few' && this.source) {
      this.later(() => this.look(), VIEWERS_AGAIN_MS)
    }
  }

  close() {
    this.turn++
    clearTimeout(this.timer)
    this.endAsking?.()
    this.loadOn?.()
    this.lastCounts = this.counts
    this.swarm?.close()
    this.swarm = undefined
  }
}

/** What the page says of sharing, or nothing where the site does not offer it. */
export function openSharing(player) {
  const { policy, video } = JSON.parse(document.querySelector('[data-swarm]')?.textContent || '{}')
  return policy && video ? new Sharing(player, policy, video) : undefined
}
