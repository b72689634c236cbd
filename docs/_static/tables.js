// A box above the decision table that hides the rows without the words in it.
document.addEventListener("DOMContentLoaded", () => {
  const page = location.pathname.split("/").pop();
  if (page !== "strictness.html") return;
  const rows = [...document.querySelectorAll("article table tbody tr")];
  const box = document.createElement("input");
  box.type = "search";
  box.className = "table-filter";
  box.placeholder = "Filter by id, error code, field or RFC section";
  box.setAttribute("aria-label", box.placeholder);
  // The two rows of a decision, what http11 does and what others do, show together.
  const texts = new Map();
  const key = (row) => row.cells[0].textContent.trim();
  rows.forEach((row) => texts.set(key(row), `${texts.get(key(row)) || ""} ${row.textContent.toLowerCase()}`));
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      row.hidden = !words.every((word) => texts.get(key(row)).includes(word));
    });
    document.querySelectorAll("article section section").forEach((section) => {
      const its = [...section.querySelectorAll("tbody tr")];
      section.hidden = its.length > 0 && its.every((row) => row.hidden);
    });
  });
  document.querySelector("article section section").before(box);
});
