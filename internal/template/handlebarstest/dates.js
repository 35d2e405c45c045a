// Writes ../date_table.go: how CLDR writes dates in the languages of the
// built-in mails, as far as the helper "date" needs it. Node brings CLDR along:
//
//     node dates.js > ../date_table.go && gofmt -w ../date_table.go
//
// Every pattern that is found is tried on many dates before it is written.
'use strict';

// Tags of the table, each with others that it serves as well. A tag that is
// none of them is served by the longest of these that it begins with.
const languages = {
  'ar': [], 'cs': [], 'da': [], 'de': [], 'el': [],
  'en': [], 'en-GB': ['en-AU', 'en-NZ', 'en-IE', 'en-IN', 'en-ZA'],
  'es': [], 'fa-IR': ['fa'], 'fi': [], 'fr': [], 'he': ['iw'], 'hi': [], 'hu': [], 'id': [], 'it': [], 'ja': [], 'ko': [],
  'nb': ['no', 'nn'], 'nl': [], 'pl-PL': ['pl'], 'pt-BR': ['pt'], 'pt-PT': [], 'ro': [], 'ru': [], 'sv': [], 'th': [],
  'tr-TR': ['tr'], 'uk-UA': ['uk'], 'vi': [],
  'zh-CN': ['zh'], 'zh-HK': ['zh-Hant-HK', 'zh-MO'], 'zh-TW': ['zh-Hant'],
};
const dateStyles = ['short', 'medium', 'long', 'full'];
const timeStyles = ['short', 'medium'];
// Month, day and hour of one digit each, in the calendar of the language.
const sampleOf = (calendar) => calendar === 'persian' ? Date.UTC(2001, 3, 22, 4, 5, 6) : Date.UTC(2001, 1, 3, 4, 5, 6);

function die(message) {
  process.stderr.write(message + '\n');
  process.exit(1);
}

const format = (tag, options) => new Intl.DateTimeFormat(tag, { timeZone: 'UTC', ...options });

// latin writes digits of any script as 0 to 9.
const latin = (s) => s.replace(/\p{Nd}/gu, (d) => {
  let zero = d.codePointAt(0);
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && d.codePointAt(0) - zero < 9) zero--;
  return String(d.codePointAt(0) - zero);
});

// names lists a part of the date for each of n days that index tells apart.
function names(tag, options, type, index, n) {
  const list = [];
  const f = format(tag, options);
  for (let day = 0; day < 400; day++) {
    const at = Date.UTC(2001, 0, 1 + day);
    const part = f.formatToParts(at).find((p) => p.type === type);
    if (!part) return null;
    const i = index(at);
    if (list[i] !== undefined && list[i] !== part.value) die(`${tag}: two names for ${type} ${i}`);
    list[i] = part.value;
  }
  return list.length === n && list.every((s) => s !== undefined) ? list : die(`${tag}: names of ${type}`);
}

function pattern(tag, options, months) {
  const f = format(tag, options);
  const sample = sampleOf(f.resolvedOptions().calendar);
  const hours = f.resolvedOptions().hourCycle;
  return f.formatToParts(sample).map(({ type, value: exact }) => {
    const value = exact.replace(/\u202f/g, ' '); // as format() does it: not every font has the narrow space
    const digits = latin(value);
    const width = /^\d+$/.test(digits) ? digits.length : 0;
    switch (type) {
      case 'year': return width === 4 ? 'y' : width === 2 ? 'yy' : die(`${tag}: year ${value}`);
      case 'month': return width ? 'M'.repeat(width) : months.long.includes(value) && options.dateStyle !== 'medium' ? 'MMMM' : 'MMM';
      case 'day': return 'd'.repeat(width);
      case 'weekday': return 'E';
      case 'hour': return ({ h12: 'h', h23: 'H' }[hours] || die(`${tag}: hours ${hours}`)).repeat(width);
      case 'minute': return 'mm';
      case 'second': return 'ss';
      case 'dayPeriod': return 'a';
      case 'literal': case 'era': return /[A-Za-z']/.test(value) ? `'${value.replace(/'/g, "''")}'` : value;
      default: return die(`${tag}: a part of type ${type}`);
    }
  }).join('');
}

// glue finds how a date and a time stand together.
function glue(tag, dateStyle) {
  const sample = sampleOf();
  const [date, time, both] = [{ dateStyle }, { timeStyle: 'short' }, { dateStyle, timeStyle: 'short' }]
    .map((options) => format(tag, options).format(sample));
  if (!both.includes(date) || !both.includes(time)) die(`${tag}: ${both} is not made of ${date} and ${time}`);
  return both.replace(date, '{1}').replace(time, '{0}');
}

function table(tag) {
  const { calendar, numberingSystem } = format(tag, {}).resolvedOptions();
  const month = (at) => Number(format('en', { calendar, month: 'numeric' }).formatToParts(at).find((p) => p.type === 'month').value) - 1;
  const weekday = (at) => new Date(at).getUTCDay();
  const months = {
    long: names(tag, { dateStyle: 'long' }, 'month', month, 12),
    full: names(tag, { dateStyle: 'full' }, 'month', month, 12),
    medium: names(tag, { dateStyle: 'medium' }, 'month', month, 12),
  };
  if (months.long.join() !== months.full.join()) die(`${tag}: months differ`);
  const hour = format(tag, { timeStyle: 'short' });
  const period = (at) => (hour.formatToParts(at).find((p) => p.type === 'dayPeriod') || { value: '' }).value;
  return {
    calendar, zero: new Intl.NumberFormat(tag, { numberingSystem }).format(0),
    months: months.long, short: /^\p{Nd}+$/u.test(months.medium[0]) ? [] : months.medium,
    weekdays: names(tag, { dateStyle: 'full' }, 'weekday', weekday, 7),
    periods: Array.from({ length: 24 }, (_, h) => period(Date.UTC(2001, 1, 3, h, 30))),
    dates: dateStyles.map((dateStyle) => pattern(tag, { dateStyle }, months)),
    times: timeStyles.map((timeStyle) => pattern(tag, { timeStyle }, months)),
    glue: dateStyles.map((dateStyle) => glue(tag, dateStyle)),
  };
}

// written formats a date by a table, as the helper does.
function written(t, tag, at, dateStyle, timeStyle) {
  const part = {};
  for (const { type, value } of format('en', { calendar: t.calendar, year: 'numeric', month: 'numeric', day: 'numeric' }).formatToParts(at)) {
    part[type] = Number(value);
  }
  const d = new Date(at);
  const pad = (n, width) => String(n).padStart(width, '0').replace(/\d/g, (c) => String.fromCodePoint(t.zero.codePointAt(0) + Number(c)));
  const fill = (p) => p.replace(/'((?:[^']|'')*)'|y+|M+|d+|E|H+|h+|mm|ss|a/g, (f, quoted) => {
    switch (f[0]) {
      case "'": return quoted.replace(/''/g, "'");
      case 'y': return f === 'yy' ? pad(part.year % 100, 2) : pad(part.year, 1);
      case 'M': return f.length > 3 ? t.months[part.month - 1] : f.length > 2 ? t.short[part.month - 1] : pad(part.month, f.length);
      case 'd': return pad(part.day, f.length);
      case 'E': return t.weekdays[d.getUTCDay()];
      case 'H': return pad(d.getUTCHours(), f.length);
      case 'h': return pad((d.getUTCHours() + 11) % 12 + 1, f.length);
      case 'm': return pad(d.getUTCMinutes(), 2);
      case 's': return pad(d.getUTCSeconds(), 2);
      case 'a': return t.periods[d.getUTCHours()];
    }
  });
  const date = fill(t.dates[dateStyles.indexOf(dateStyle)]);
  if (!timeStyle) return date;
  const time = fill(t.times[timeStyles.indexOf(timeStyle)]);
  return t.glue[dateStyles.indexOf(dateStyle)].replace('{1}', date).replace('{0}', time);
}

function check(t, tag) {
  for (const dateStyle of dateStyles) {
    for (const timeStyle of [undefined, ...timeStyles]) {
      const f = format(tag, { dateStyle, timeStyle });
      for (let i = 0; i < 400; i++) {
        const at = sampleOf() + i * 3.3 * 86400e3 + i * 3777e3;
        if (f.format(at) !== written(t, tag, at, dateStyle, timeStyle)) {
          die(`${tag}, ${dateStyle} ${timeStyle}: ${f.format(at)} would be ${written(t, tag, at, dateStyle, timeStyle)}`);
        }
      }
    }
  }
}

// halves shortens the periods of 24 hours to those of two halves of the day,
// where they are no more, and to none where they are empty.
function halves(periods) {
  if (periods.every((p) => p === '')) return [];
  return periods.every((p, h) => p === periods[h < 12 ? 0 : 12]) ? [periods[0], periods[12]] : periods;
}

const cases = Object.entries(languages).map(([tag, more]) => {
  const t = table(tag);
  check(t, tag);
  const rows = [t.calendar + '|' + t.zero, t.months.join('|'), t.short.join('|'), t.weekdays.join('|'), halves(t.periods).join('|'),
    t.dates.join('|'), t.times.join('|'), t.glue.join('|')];
  if (rows.some((r) => r.includes('`') || r.includes('\n'))) die(`${tag}: a character that Go's raw strings do not have`);
  // Marks without a width, and odd spaces, are written as escapes, so that they can be seen.
  const visible = (s) => JSON.stringify(s).replace(/(?! )[\p{Cf}\p{Zs}]/gu, (c) => '\\u' + c.codePointAt(0).toString(16).padStart(4, '0'));
  return `\tcase ${[tag, ...more].map((s) => JSON.stringify(s.toLowerCase())).join(', ')}:\n\t\treturn ` +
    rows.map((r, i) => visible(r + (i < rows.length - 1 ? '\n' : ''))).join(' +\n\t\t\t');
});
process.stdout.write(`// Code generated by handlebarstest/dates.js from CLDR ${process.versions.cldr}; DO NOT EDIT.

// CLDR is (c) Unicode, Inc., under the Unicode License v3:
// https://www.unicode.org/license.txt

package template

// dateTable returns how CLDR writes dates in a language, whose tag is in small
// letters: lines of fields between bars. They are the calendar and the digit
// zero; the months, in full and short; the days of the week from Sunday on; the
// names of the two halves, or of the 24 hours, of the day; the patterns of
// dates, short to full, and of times, short and medium; and how a date of each
// style and a time stand together.
func dateTable(tag string) string {
\tswitch tag {
${cases.join('\n')}
\t}
\treturn ""
}
`);
