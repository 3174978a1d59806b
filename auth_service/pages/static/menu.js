// The account menu, wherever someone is signed in.
import { closing } from "./popups.js";

closing(document.getElementById("menu"));
