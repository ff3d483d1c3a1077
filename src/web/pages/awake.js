// Keeps the display awake while the page is visible.

/**
 * Browsers offer the wake lock to secure origins only. On others a playing video keeps the display awake: Chromium
 * (video_wake_lock.cc) and Firefox (HTMLVideoElement.cpp) accept a muted, tiny video whose stream comes from a canvas.
 * @returns {Promise<boolean>} Whether the display is certain to stay awake.
 */
export async function keepAwake() {
  if (!("wakeLock" in navigator)) {
    await play().catch(() => {});
    return false;
  }
  // The browser releases the lock whenever the page is hidden.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      lock();
    }
  });
  return lock();
}

async function lock() {
  try {
    await navigator.wakeLock.request("screen");
    return true;
  } catch {
    // For instance because the battery is low.
    return false;
  }
}

async function play() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 2;
  const pen = canvas.getContext("2d");
  const video = document.createElement("video");
  video.className = "awake";
  video.muted = true;
  video.playsInline = true;
  video.setAttribute("aria-hidden", "true");
  video.srcObject = canvas.captureStream();
  document.body.append(video);
  // The stream carries only what is drawn after its creation.
  pen?.fillRect(0, 0, 2, 2);
  await video.play();
}
