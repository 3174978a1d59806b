// The account menu, wherever someone is signed in, closes as every menu does.
import "./popups.js";
