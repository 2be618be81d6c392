// What both pages show of recordings, and the addresses of the calls about one. Names are text, whatever is in them.
export const STATES = { finished: "finished", recording: "recording now", interrupted: "interrupted" };

const dates = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});

export function callAddress(name, ...parts) {
  return ["/api/recordings", ...[name, ...parts].map(encodeURIComponent)].join("/");
}

export function dateAndTime(iso) {
  const date = new Date(iso ?? NaN);
  return Number.isNaN(date.getTime()) ? "–" : dates.format(date);
}

export function playingTime(seconds, decimals = 0) { // minutes:seconds
  const rest = decimals ? (seconds % 60).toFixed(decimals).padStart(3 + decimals, "0") : `${Math.floor(seconds % 60)}`.padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}

export function bytes(count) {
  if (count < 1e6) return `${Math.ceil(count / 1e3)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}
