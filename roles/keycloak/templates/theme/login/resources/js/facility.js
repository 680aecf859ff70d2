// What Keycloak's templates leave open and a style sheet cannot do. Without this script the pages work all the same.

// The page for an address that is none has no title.
if (!document.title.trim()) document.title = document.querySelector("h1")?.textContent.trim() ?? "";

// Fields whose label stands above them without being connected with them: the user name when only the password is asked for, the code
// and the name of a new second factor.
document.querySelectorAll("input:not([type=hidden], [type=submit], [aria-label])").forEach((field) => {
  const label = field.closest(".pf-v5-c-form__group")?.querySelector("label");
  if (label && !field.labels.length) field.setAttribute("aria-label", label.textContent.replace("*", "").trim());
});

// "You already have an account here": the answer that most people want comes first.
(() => {
  const link = document.getElementById("linkAccount");
  link?.classList.replace("pf-m-secondary", "pf-m-primary");
  link?.parentElement.prepend(link);
})();

// The home organisation comes first. The style sheet puts it there for the eye, this for the keyboard and for screen readers, and both
// ways get a heading.
(() => {
  const providers = document.getElementById("kc-social-providers")?.parentElement;
  const form = document.getElementById("kc-form");
  if (!providers || !form) return;
  form.before(providers);
  const title = providers.querySelector("span");
  title?.setAttribute("role", "heading");
  title?.setAttribute("aria-level", "2");
  if (document.getElementById("kc-form-login")) {
    form.prepend(document.getElementById("facility-local").content);
  }
  // Keycloak puts the cursor into the form, past the providers. After a mistake in the form that is the right place. A browser has noted
  // by now which field it will go to; it forgets one that is replaced.
  if (!form.querySelector("[aria-invalid=true]")) {
    form.querySelectorAll("[autofocus]").forEach((field) => {
      const same = field.cloneNode();
      same.autofocus = false;
      field.replaceWith(same);
    });
  }
})();
