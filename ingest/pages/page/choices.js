// The boxes to tick. At most as many as a ballot may name are ever ticked: one more is cleared
// again and told, never ignored.
(function (weir) {
  'use strict';

  const { $, facts } = weir.tools;
  const boxes = Array.from(document.querySelectorAll('.choice input'));
  const rowOf = (box) => box.parentNode;
  const chosen = () => boxes.filter((box) => box.checked).map((box) => Number(box.value));

  function mark() {
    const full = chosen().length >= facts.max;
    for (const box of boxes) {
      rowOf(box).classList.toggle('chosen', box.checked);
      rowOf(box).classList.toggle('beyond', full && !box.checked);
      // Who hears the page is told why when they come to one that cannot be ticked.
      const about = 'about-' + box.value;
      box.setAttribute('aria-describedby', full && !box.checked ? 'message ' + about : about);
    }
  }

  // What was kept may be of an older campaign file: of other choices, or of more.
  function choose(numbers) {
    const known = boxes.filter((box) => numbers.includes(Number(box.value))).slice(0, facts.max);
    for (const box of boxes) box.checked = known.includes(box);
    mark();
  }

  function lock(locked) {
    $('choices').disabled = locked;
  }

  // `changed` hears of every tick, `refused` of one too many.
  function listen(changed, refused) {
    $('choices').addEventListener('change', (event) => {
      const tooMany = chosen().length > facts.max;
      if (tooMany) event.target.checked = false;
      mark();
      if (tooMany) refused();
      else changed();
    });
    // A row is its box's target, except for who selects its text to copy it.
    for (const box of boxes) {
      rowOf(box).addEventListener('click', (event) => {
        const own = event.target === box || event.target.closest('label');
        const selecting = String(window.getSelection()) !== '';
        if (!own && !selecting && !$('choices').disabled) box.click();
      });
    }
  }

  function title(number) {
    const box = $('choice-' + number);
    return box ? rowOf(box).querySelector('.title').textContent : '';
  }

  weir.choices = { chosen, choose, lock, listen, title };
})(window.weir = window.weir || {});
