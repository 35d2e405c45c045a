// Renders the cases that come in on standard input as JSON with the official
// Handlebars, and writes the outputs as JSON. The helpers that Handlebars does
// not have do here what internal/template says that they do.
'use strict';

const Handlebars = require('handlebars');

const truthy = (value) => !Handlebars.Utils.isEmpty(value) && value !== 0 && !Number.isNaN(value);
const missing = (value) => value === undefined || value === null;
const text = (value) => (missing(value) ? '' : String(value));
const equal = (a, b) => (missing(a) ? missing(b) : typeof a !== 'object' && a === b);
// choose returns the first value that decides, else the last.
const choose = (decides) => (...args) => {
  const values = args.slice(0, -1);
  const at = values.findIndex(decides);
  return values[at < 0 ? values.length - 1 : at];
};

const formats = new Map();
function formatOf(locale, options) {
  const key = JSON.stringify([locale, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, options)); // they take long to make
  return formats.get(key);
}

function date(value, ...rest) {
  const options = rest.pop();
  const [style = 'medium', zone] = rest;
  if (missing(value)) return '';
  const [dateStyle, timeStyle] = style.split(' ');
  const day = /^\d{4}-\d\d-\d\d$/.test(value);
  const format = formatOf(options.data.root.locale, {
    dateStyle, timeStyle: day ? undefined : timeStyle, timeZone: day || !zone ? 'UTC' : zone,
  });
  return format.format(new Date(value)) + (timeStyle && !day && !zone ? ' UTC' : '');
}

function environment(html) {
  const h = Handlebars.create();
  h.registerHelper({
    eq: equal,
    ne: (a, b) => !equal(a, b),
    not: (value) => !truthy(value),
    and: choose((value) => !truthy(value)),
    or: choose(truthy),
    default: choose((value) => !missing(value) && value !== ''),
    upper: (value, options) => text(value).toLocaleUpperCase(options.data.root.locale),
    lower: (value, options) => text(value).toLocaleLowerCase(options.data.root.locale),
    date,
    spaced: (value) => (html && text(value) !== ''
      ? new Handlebars.SafeString(`<span style="letter-spacing:0.2em">${Handlebars.escapeExpression(text(value))}</span>`)
      : value),
  });
  return h;
}

// handlebarsOf writes layouts as the partial blocks that they are there.
function handlebarsOf(source) {
  const open = [];
  return source.replace(/\{\{(~?)#layout "(\w+)"(~?)\}\}|\{\{(~?)\/layout(~?)\}\}/g, (tag, left, name, right, closeLeft, closeRight) => {
    if (name) {
      open.push(name);
      return `{{${left}#> ${name}${right}}}`;
    }
    return `{{${closeLeft}/${open.pop()}${closeRight}}}`;
  });
}

const unescaped = (s) => s.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&#x27;/g, "'").replace(/&amp;/g, '&');

function render({ template, payload, html, partials }) {
  const h = environment(html);
  for (const [name, source] of Object.entries(partials || {})) h.registerPartial(name, handlebarsOf(source));
  try {
    const output = h.compile(handlebarsOf(template))(payload);
    // Handlebars escapes two characters more.
    const known = output.replace(/&#x3D;/g, '=').replace(/&#x60;/g, '`');
    // Its own option not to escape adds numbers that stand side by side.
    return { output: html ? known : unescaped(known) };
  } catch (e) {
    return { error: e.message };
  }
}

let input = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => { input += chunk; }).on('end', () => {
  process.stdout.write(JSON.stringify({ cldr: process.versions.cldr, results: JSON.parse(input).map(render) }));
});
