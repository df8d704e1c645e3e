//! Texts of the log-in, and of what went wrong.

use crate::i18n::Text;

texts! {
    /// Logging in, and what went wrong.
    Entry {
        title: Text = "Log in", "Connexion";
        token: Text = "API token", "Jeton d’API";
        where_it_is: Text =
            "It is the value of `PAYHOOKD_API_TOKEN` or, if that is not set, the content of the \
             file `api-token` beside the database.",
            "C’est la valeur de `PAYHOOKD_API_TOKEN` ou, si elle n’est pas définie, le contenu du \
             fichier `api-token` à côté de la base de données.";
        enter: Text = "Log in", "Se connecter";
        wrong: Text = "Wrong token. Copy it again, without the line end.",
            "Jeton incorrect. Copiez-le à nouveau, sans la fin de ligne.";
        too_often: Text =
            "Too many attempts. Wait a few seconds, then try again.",
            "Trop de tentatives. Attendez quelques secondes, puis réessayez.";
        no_chance: Text = "The system provides no random numbers: nobody can log in. See the log.",
            "Le système ne fournit pas de nombres aléatoires\u{a0}: connexion impossible. Voir le \
             journal.";
        not_found: Text = "Page not found", "Page introuvable";
        not_found_hint: Text = "It may have been removed, or the address is mistyped.",
            "Elle a pu être supprimée, ou l’adresse est erronée.";
        wrong_method: Text = "This address can’t be used like this",
            "Cette adresse ne s’utilise pas ainsi";
        invalid: Text = "Invalid address or form", "Adresse ou formulaire non valide";
        forged: Text = "This form was rejected", "Ce formulaire a été refusé";
        forged_hint: Text =
            "It did not come from a page of this session: the session may have ended meanwhile, or \
             the reverse proxy does not pass the Host header on. Go back, reload the page and try \
             again. Nothing was changed.",
            "Il ne vient pas d’une page de cette session\u{a0}: elle a pu se terminer entre-temps, \
             ou le serveur mandataire ne transmet pas l’en-tête Host. Revenez en arrière, \
             rechargez la page et réessayez. Rien n’a été modifié.";
        stranger: Text = "The dashboard is not known by this name",
            "Le tableau de bord n’est pas connu sous ce nom";
        stranger_hint: fn(&str) -> String =
            |host| format!(
                "The browser asked for “{host}”. Use an IP address or localhost, or allow the name \
                 with --admin-host (PAYHOOKD_ADMIN_HOST)."
            ),
            |host| format!(
                "Le navigateur a demandé «\u{a0}{host}\u{a0}». Utilisez une adresse IP ou \
                 localhost, ou autorisez ce nom avec --admin-host (PAYHOOKD_ADMIN_HOST)."
            );
        unavailable: Text = "Temporarily unavailable", "Momentanément indisponible";
        unavailable_hint: Text =
            "The database is busy, full or can’t be written. Try again in a moment; details are \
             in the log.",
            "La base de données est occupée, pleine ou ne peut être écrite. Réessayez dans un \
             instant\u{a0}; les détails sont dans le journal.";
        fault: Text = "Internal error", "Erreur interne";
        fault_hint: Text = "Details are in the log.", "Les détails sont dans le journal.";
    }
}
