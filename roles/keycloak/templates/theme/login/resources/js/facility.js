// The home organisation comes first. The style sheet puts it there for the eye; this does it for the keyboard and for screen readers,
// and gives the form below it a heading. Without this script the page works all the same.
(() => {
  const providers = document.getElementById("kc-social-providers");
  const form = document.getElementById("kc-form");
  if (!providers || !form) return;
  form.before(providers);
  providers.querySelector("hr")?.remove();
  if (document.getElementById("kc-form-login")) {
    form.prepend(document.getElementById("facility-local").content);
  }
  // Keycloak puts the cursor into the form, past the providers. After a mistake in the form that is the right place.
  if (!form.querySelector("[aria-invalid=true]")) {
    form.querySelectorAll("[autofocus]").forEach((field) => {
      field.autofocus = false;
      field.addEventListener("focus", () => field.blur(), { once: true });
    });
  }
})();
