#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A person who signs in and consents, by plain HTTP: follows redirects with a cookie jar, fills
each form that it meets and sends it, until there is none. Knows no authority in particular.

    person.py [--deny] [--login NAME] [--password-file FILE] [--code CODE]
        [--ca-file FILE] URL

URL is where the browser is sent: an authorization URL, whose loopback redirect ends it, or a
device page; CODE is what is entered there. Prints one JSON object: the last page's `url`,
`status`, `type`, `fields` (headers) and `text`. --deny: says no where it is asked.
person_browser.mjs does the same in a real browser.
"""
import argparse
import html.parser
import http.cookiejar
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

# Pages that one sign-in leads through; more are a circle.
PAGES = 30
PATIENCE_S = 60
NO = ('abort', 'deny', 'cancel', 'no', 'reject')


class Page(html.parser.HTMLParser):
    """The forms and the links of a page."""

    def __init__(self, text):
        super().__init__()
        self.forms, self.links, self.buttons = [], [], []
        self.button = None
        self.feed(text)
        # A button may stand outside of its form and name it.
        for button in self.buttons:
            for form in self.forms:
                if button['form'] in (form['id'], form):
                    form['buttons'].append(button)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == 'form':
            self.forms.append({'id': attrs.get('id'), 'action': attrs.get('action', ''),
                               'method': attrs.get('method', 'get').lower(), 'inputs': [],
                               'buttons': [], 'open': True})
        elif tag == 'a' and attrs.get('href'):
            self.links.append(attrs['href'])
        elif tag == 'button' or (tag == 'input' and attrs.get('type') == 'submit'):
            inside = self.forms[-1] if self.forms and self.forms[-1]['open'] else None
            self.buttons.append({'name': attrs.get('name'), 'value': attrs.get('value', ''),
                                 'form': attrs.get('form') or inside})
        elif tag == 'input' and self.forms and attrs.get('name'):
            self.forms[-1]['inputs'].append(attrs)

    def handle_endtag(self, tag):
        if tag == 'form' and self.forms:
            self.forms[-1]['open'] = False


class Person:
    def __init__(self, login='anna', password='any', code=None, deny=False, ca_file=None):
        self.login, self.password, self.code, self.deny = login, password, code, deny
        context = ssl.create_default_context(cafile=ca_file)
        # No proxy of the machine's has a part in what happens on loopback.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def fetch(self, url, data=None):
        request = urllib.request.Request(url, data, {'User-Agent': 'person', 'Accept': 'text/html'})
        try:
            answer = self.opener.open(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return {'url': answer.geturl(), 'status': answer.status,
                    'type': answer.headers.get('Content-Type', ''),
                    'fields': dict(answer.headers.items()),
                    'text': answer.read().decode('utf-8', 'replace')}

    def value(self, field):
        """What is typed into a field, or what stands there."""
        kind = field.get('type', 'text').lower()
        if kind == 'password':
            return self.password
        if kind not in ('text', 'email'):
            return field.get('value', '')
        return self.code if 'code' in field['name'].lower() and self.code else self.login

    def says_no(self, thing):
        words = urllib.parse.urlsplit(thing).path.strip('/').split('/') if thing else ['']
        return words[-1].lower() in NO

    def send(self, page, form):
        """Sends one form by the button that says what is wanted."""
        pairs = [(field['name'], self.value(field)) for field in form['inputs']
                 if field.get('type', '').lower() not in ('checkbox', 'radio')
                 or 'checked' in field]
        buttons = [button for button in form['buttons']
                   if (self.says_no(button['name']) or self.says_no(button['value'])) == self.deny]
        named = [(button['name'], button['value']) for button in buttons[:1] if button['name']]
        target = urllib.parse.urljoin(page['url'], form['action'])
        data = urllib.parse.urlencode(pairs + named)
        if form['method'] == 'get':
            return self.fetch(target + '?' + data)
        return self.fetch(target, data.encode())

    def denies(self, page, seen):
        """The page after a no, or None where it can't be said here."""
        links = [link for link in seen.links if self.says_no(link)]
        if links:
            return self.fetch(urllib.parse.urljoin(page['url'], links[0]))
        for form in seen.forms:
            if any(self.says_no(button['name']) for button in form['buttons']):
                return self.send(page, form)
        return None

    def sign_in(self, url):
        """Goes from page to page; gives the last one, which asks for nothing."""
        page = self.fetch(url)
        for _ in range(PAGES):
            seen = Page(page['text']) if 'html' in page['type'] else None
            after = seen and self.deny and self.denies(page, seen)
            if after:
                return after
            if not seen or not seen.forms or page['status'] >= 400:
                return page
            deny, self.deny = self.deny, False
            page = self.send(page, seen.forms[0])
            self.deny = deny
        raise RuntimeError(f'{PAGES} pages, and no end: {page["url"]}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--deny', action='store_true')
    parser.add_argument('--login', default='anna')
    parser.add_argument('--password-file')
    parser.add_argument('--code')
    parser.add_argument('--ca-file')
    parser.add_argument('url')
    given = parser.parse_args()
    password = 'any'
    if given.password_file:
        with open(given.password_file, encoding='utf-8') as file:
            password = file.read().rstrip('\n')
    person = Person(given.login, password, given.code, given.deny, given.ca_file)
    json.dump(person.sign_in(given.url), sys.stdout)
    print(flush=True)


if __name__ == '__main__':
    main()
