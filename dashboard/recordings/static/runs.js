// What both pages say of recordings, and where the parts of one are. Names are text, whatever is in them.
export const STATES = { finished: "finished", recording: "recording now", interrupted: "interrupted, not finished" };

const dates = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false,
});

export function runAddress(name) {
  return `/recordings/${encodeURIComponent(name)}`;
}

export function callAddress(name, ...parts) {
  return ["/api/recordings", ...[name, ...parts].map(encodeURIComponent)].join("/");
}

export function moment(iso) {
  const date = new Date(iso ?? NaN);
  return Number.isNaN(date.getTime()) ? "–" : dates.format(date);
}

export function bytes(count) {
  if (count < 1e6) return `${Math.ceil(count / 1e3)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}
