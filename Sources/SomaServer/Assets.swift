import SomaReports

/// The style sheet and the script of all pages.
enum Assets {
  static let style =
    Page.styleSheet + """

      .skip{position:absolute;left:-999px}
      .skip:focus{left:8px;top:8px;background:var(--paper);padding:.4em .8em;z-index:3;border:2px solid var(--link)}
      header{border-bottom:1px solid var(--rule);background:var(--tint)}
      nav{max-width:1160px;margin:0 auto;padding:8px 16px;display:flex;flex-wrap:wrap;gap:.2em 1.1em;align-items:baseline}
      a{color:var(--link)}
      nav a{color:inherit;text-decoration:none;padding:.3em 0;border-bottom:2px solid transparent}
      nav a:hover,nav a[aria-current]{border-bottom-color:var(--link)}
      :focus-visible{outline:2px solid var(--link);outline-offset:2px}
      main:focus{outline:0}
      .faint{color:var(--faint)}
      .state{display:flex;flex-wrap:wrap;gap:.3em .8em;align-items:center;color:var(--faint)}
      .badge{border:1px solid var(--rule);border-radius:1em;padding:.05em .7em;font-size:.88rem;color:var(--ink);white-space:nowrap}
      .badge.running,.badge.partly{border-color:#e69f00}
      .badge.finished,.badge.reproduced{border-color:#009e73}
      .badge.interrupted,.badge.not{border-color:#d55e00}
      td.wide{white-space:normal;min-width:18em}
      ul.plain{list-style:none;padding:0;color:var(--faint);font-size:.9rem}
      main form.controls{position:static;border:0;padding:0;margin:1em 0}
      .controls label{font-size:.95rem}
      input,select,button{font:inherit}
      .controls input,.controls select,button{color:inherit;background:var(--tint);border:1px solid var(--rule);border-radius:4px;padding:.3em .6em;max-width:100%}
      button{cursor:pointer}
      .controls input[type=number]{width:7em}
      .sliders{display:grid;grid-template-columns:max-content minmax(80px,1fr) 6em;gap:.5em 1em;align-items:center;max-width:46em;margin:1em 0}
      .sliders output{font-variant-numeric:tabular-nums;text-align:right}
      .sliders p{grid-column:1/-1;margin:0}
      .sliders input[type=range]{width:100%;min-width:0;accent-color:var(--link)}
      progress{accent-color:var(--link);height:1em}
      .diagram{padding:8px;max-height:85vh;overflow:auto}
      .diagram img{max-width:none;display:block;margin:0 auto}
      [data-events].lost::before{content:"The server does not answer; what is shown may be old.";display:block;border-left:3px solid var(--edge);background:var(--note);padding:.4em .8em}
      @media (max-width:600px){nav{padding:6px 12px}.sliders{grid-template-columns:1fr 5em}.sliders label{grid-column:1/-1}}
      @media print{header,.skip,.controls,.sliders{display:none}}

      """

  /// What makes pages follow the server; without it they still show what they had when they were asked for.
  static let script =
    Page.script + """

      (() => {
      'use strict';
      // Puts new markup into a place and keeps what the reader did there: opened parts, sorted columns, scrolling, focus.
      const controls = 'a[href],button,input,select,summary,[tabindex]';
      const replace = (place, markup) => {
        const all = selector => [...place.querySelectorAll(selector)];
        const open = all('details').map(part => part.open);
        const sorted = all('thead th').map(heading => heading.getAttribute('aria-sort'));
        const scrolled = all('.scroll').map(part => [part.scrollLeft, part.scrollTop]);
        const focus = all(controls).indexOf(document.activeElement);
        place.innerHTML = markup;
        all('details').forEach((part, i) => { part.open = open[i] || false; });
        all('thead th').forEach((heading, i) => {
          if (!sorted[i] || !heading.closest('table.sortable')) return;
          heading.click();
          if (sorted[i] === 'descending') heading.click();
        });
        all('.scroll').forEach((part, i) => { if (scrolled[i]) [part.scrollLeft, part.scrollTop] = scrolled[i]; });
        if (focus >= 0) all(controls)[focus]?.focus({preventScroll: true});
      };
      const load = async (place, address, signal) => {
        const answer = await fetch(address, {signal});
        replace(place, await answer.text());
      };

      // Server-sent events tell that something changed; then the part is asked for anew, one request at a time.
      document.querySelectorAll('[data-events]').forEach(place => {
        let events = null, isAsking = false, isStale = false;
        const ask = async () => {
          isStale = true;
          if (isAsking) return;
          isAsking = true;
          while (isStale) {
            isStale = false;
            try { await load(place, place.dataset.fragment); } catch { place.classList.add('lost'); }
          }
          isAsking = false;
        };
        const follow = () => {
          events = new EventSource(place.dataset.events);
          events.addEventListener('change', () => { place.classList.remove('lost'); ask(); });
          events.onerror = () => place.classList.add('lost');
        };
        // A page that nobody sees holds no connection.
        document.addEventListener('visibilitychange', () => {
          if (document.hidden) { events?.close(); events = null; } else if (!events) follow();
        });
        follow();
      });

      // Sliders draw at once; the address follows, so that it can be kept.
      document.querySelectorAll('form[data-instant]').forEach(form => {
        const place = document.getElementById(form.dataset.into);
        let running = null;
        const draw = () => {
          form.querySelectorAll('input[type=range]').forEach(slider => {
            slider.nextElementSibling.textContent = String(Number(Number(slider.value).toPrecision(4)));
          });
          const query = new URLSearchParams(new FormData(form)).toString();
          history.replaceState(null, '', '?' + query);
          running?.abort();
          running = new AbortController();
          load(place, form.dataset.instant + '?' + query, running.signal).catch(() => {});
        };
        form.addEventListener('input', draw);
        form.addEventListener('reset', event => {
          event.preventDefault();
          form.querySelectorAll('input[type=range]').forEach(slider => { slider.value = slider.dataset.start; });
          draw();
        });
        form.addEventListener('submit', event => { event.preventDefault(); draw(); });
      });

      // What takes the server a while.
      document.querySelectorAll('[data-load]').forEach(place => {
        load(place, place.dataset.load)
          .catch(() => { place.textContent = 'The server does not answer.'; })
          .finally(() => place.setAttribute('aria-busy', 'false'));
      });

      // Rows of a table by words and by choices.
      document.querySelectorAll('[data-filter]').forEach(box => {
        const rows = [...document.getElementById(box.dataset.filter).tBodies[0].rows];
        const texts = rows.map(row => row.textContent.toLowerCase());
        const show = () => {
          const words = box.querySelector('input[type=search]').value.toLowerCase().split(/\\s+/).filter(Boolean);
          const choices = [...box.querySelectorAll('select')].filter(select => select.value);
          let count = 0;
          rows.forEach((row, i) => {
            const fits = words.every(word => texts[i].includes(word))
              && choices.every(select => row.dataset[select.name] === select.value);
            row.hidden = !fits;
            if (fits) count += 1;
          });
          box.querySelector('output').textContent = count + ' of ' + rows.length;
        };
        box.addEventListener('input', show);
        show();
      });
      })();

      """
}
